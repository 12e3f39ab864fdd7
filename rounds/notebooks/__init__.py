"""Behind `python -m rounds.build`: twins, normal form, execution, pictures."""

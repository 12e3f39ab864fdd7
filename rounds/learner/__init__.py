"""Behind `rounds ...`: copies in work/, their record, and what the terminal shows."""

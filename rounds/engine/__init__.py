"""Runs a candidate, whatever it does, and says what is wrong with it.

Read in this order: run (the cases), trial and step (one case, one call), perform
(make a call), compare and show (values), diagnose (the verdict). isolate, child and
guard keep a candidate from hanging or ending the notebook.
"""

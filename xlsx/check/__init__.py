"""Checks a learner's own workbook of the exercise and says what is right, what is wrong, and where."""

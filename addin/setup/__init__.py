"""What start.py does before anything else: the environment and its packages, the office and Excel of this machine."""

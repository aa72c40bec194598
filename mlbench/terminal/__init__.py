"""What a person sees in a terminal. Only cli.py imports it."""

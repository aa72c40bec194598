"""What is to do, and doing it: the plan of a command, its cells, and what it costs."""

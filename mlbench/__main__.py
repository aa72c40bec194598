"""`python -m mlbench` is `mlbench`."""

from mlbench.cli import main

if __name__ == "__main__":
    main()

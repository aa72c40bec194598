"""What could be wrong with a run? One check a function, in the words of the page."""

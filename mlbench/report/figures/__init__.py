"""Figures for the page and for a paper, with matplotlib: prepared apart from drawn."""

"""What is the score of one doc, and of a cell?"""

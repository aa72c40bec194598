"""What does text cost in tokens?"""

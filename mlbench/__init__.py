"""mlbench: is a language model as good in your language as in English?"""

__version__ = "0.1.0"

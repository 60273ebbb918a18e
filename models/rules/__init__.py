"""Learning rules: each file defines ``rule = Rule(...)``."""

"""What the paper claims, measured and answered."""

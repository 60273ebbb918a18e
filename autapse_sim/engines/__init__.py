"""Who runs a job: compiled C++, Brian2 itself, the reference and the discrete network."""

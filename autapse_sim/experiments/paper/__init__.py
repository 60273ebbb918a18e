"""How the claims of the paper are measured: what is run, by whom it is kept, and what decides."""

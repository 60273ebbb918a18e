"""Circuits as objects of Brian2, in the order of a time step."""

"""Published results, a module each: ``reproduction = Reproduction(...)`` says what was published, where, what is run to
see it again, and what decides."""

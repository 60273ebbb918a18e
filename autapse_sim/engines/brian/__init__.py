"""Jobs in Brian2: its objects, compiled programs and the runtime mode."""

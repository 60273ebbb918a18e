"""The answers of a verdict."""

LEARNS = "learns recurrence"
NO_MORE = "learns, but no more than is done without learning recurrence"
UNSURE = "learns, but cannot be said to do more than is done without learning recurrence"
NOT = "does not learn recurrence"
UNSAID = "cannot be said to learn recurrence"

"""Does a rule learn recurrence, compared with what, and how sure?"""

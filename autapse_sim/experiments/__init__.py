"""What is asked: each question a study, or a part of one."""

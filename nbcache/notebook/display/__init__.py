"""What does a run show, and how is it shown again."""

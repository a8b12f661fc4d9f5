"""What a person sees: the task sheet, the card of one submission, the summary of a class."""

"""What is done with a request, a click, a form, and by the clock."""

"""What is written into Slack: threads kept equal to documents, and answers."""

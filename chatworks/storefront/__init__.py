"""What the public sees of an outlet: its page, its policy, its chat, and the widget's frame."""

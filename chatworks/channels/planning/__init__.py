"""The planner: what a message becomes within a channel's capabilities, with every loss. Pure."""

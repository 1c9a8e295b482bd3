"""An applet that asks with a form and hears a file."""

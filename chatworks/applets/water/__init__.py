"""Order bottled water, ask where it is, take it back. MajiPro's applet."""

"""The turnkey applets, one folder each: a manifest, straight-line code, texts.

An applet imports the sdk and the ``models`` of features, nothing else.
"""

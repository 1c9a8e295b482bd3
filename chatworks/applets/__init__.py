"""The turnkey applets, one folder each: a manifest, straight-line code, texts.

An applet imports the sdk and the ``models`` of features, nothing else.
"""

# What this installation offers; an outlet switches on what it wants. A second version of an applet
# stands beside the first under its own name.
INSTALLED = ("chatworks.applets.water", "chatworks.applets.staff", "chatworks.applets.account")

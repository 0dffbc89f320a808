"""Which mail program knows what: the data of caniemail.com (MIT), made small by `update.py`."""

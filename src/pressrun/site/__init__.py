"""The web archive: pages to browse, and feeds to follow."""

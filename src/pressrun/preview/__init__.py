"""Shows an issue as its readers will get it, in the browser and as pictures, before anyone else sees it."""

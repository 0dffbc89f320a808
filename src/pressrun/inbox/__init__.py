"""What comes back by mail: wishes to leave, bounces and complaints, read from a mailbox, believed with proof."""

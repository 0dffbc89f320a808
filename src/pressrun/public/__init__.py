"""What anybody may reach over the web: each module offers its routes, and what it does beside answering."""

"""Looking after what a workspace has stored: what nobody needs, what is damaged, copies for bad days."""

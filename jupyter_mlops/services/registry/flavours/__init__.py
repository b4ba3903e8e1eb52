"""How models are stored and loaded: a flavour for each kind of them, behind one protocol."""

"""Layered models: y = f3(f2(f1(X)))."""

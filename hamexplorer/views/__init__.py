"""3D views, each behind a small interface that knows nothing of the widgets around it."""

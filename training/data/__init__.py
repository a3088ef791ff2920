"""Objects, grasps, views and instructions: made here, stored in published layouts, and read back."""

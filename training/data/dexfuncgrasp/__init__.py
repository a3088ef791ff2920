"""DexFuncGrasp: functional grasps of a Shadow Hand, read as MANO grasps by hand-to-hand retargeting."""

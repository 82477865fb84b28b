"""Names of heat maps as people write them; for those who draw and report and do without torch."""

METHOD_TITLES = {
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "hires_cam": "HiResCAM",
    "rollout": "attention rollout",
}

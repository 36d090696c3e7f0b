"""The plan of the street, in metres. x across to the right, y along, away from the camera, z up."""

CAMERA_M = (-5.2, -3.0, 6.4)
CAMERA_YAW_DEG = 13.0  # to the right of the street's axis
CAMERA_PITCH_DEG = 15.0  # downwards

FACADE_LEFT_X, KERB_LEFT_X, LANE_X, BAY_X, KERB_RIGHT_X, FACADE_RIGHT_X = -6.6, -3.4, 1.7, 3.4, 5.5, 8.8
KERB_M = 0.18
END_Y = 96.0  # a building across the far end
ZEBRA_Y = (14.0, 17.6)

# Terraced houses: where each begins along y, and its number of storeys.
STOREY_M, GROUND_STOREY_M = 3.1, 3.9
HOUSES_RIGHT = ((-30.0, 4), (9.0, 3), (21.0, 5), (33.5, 3), (46.0, 4), (61.0, 3), (74.0, 5))
HOUSES_LEFT = ((-30.0, 2), (12.0, 3), (24.0, 2), (40.0, 3), (52.0, 2), (70.0, 3))
HOUSES_END = ((-30.0, 3), (-5.0, 4), (6.0, 3), (18.0, 5))

TREES_M = (
    (6.2, 23.5),
    (6.2, 37.0),
    (6.2, 51.0),
    (6.2, 66.0),
    (-4.0, 30.0),
    (-4.0, 46.0),
    (-4.0, 63.0),
    (-2.6, 88.0),
    (2.0, 91.0),
    (6.5, 89.0),
)
CROWN_Z_M, CROWN_RADIUS_M, TRUNK_RADIUS_M, FORK_Z_M = 4.7, 1.75, 0.17, 2.6

LAMPS_M = ((-3.75, 19.5), (5.85, 29.5), (-3.75, 38.5), (5.85, 48.0), (-3.75, 58.0))
LAMP_HEIGHT_M, LAMP_ARM_M = 6.0, 1.3

PARKED_Y = (28.0, 34.2, 45.5, 57.0, 62.8)
PARKED_X = 4.45

NEAR_Y, FAR_Y = -8.0, 110.0  # where cars enter and leave
VISIBLE_Y = 1.0  # what is nearer than this is below the picture

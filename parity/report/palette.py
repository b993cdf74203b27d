"""ADE20K's classes and colours, as ``ADE20KDataset.METAINFO`` of mmseg 1.2.2 has them.

The names are without the blank that mmseg has after "bed".
The table is written by scripts/make_palette.py; do not edit it.
"""

# One class per line, in the order of the ids: its colour as RRGGBB, its name.
_TABLE = """
787878 wall
b47878 building
06e6e6 sky
503232 floor
04c803 tree
787850 ceiling
8c8c8c road
cc05ff bed
e6e6e6 windowpane
04fa07 grass
e005ff cabinet
ebff07 sidewalk
96053d person
787846 earth
08ff33 door
ff0652 table
8fff8c mountain
ccff04 plant
ff3307 curtain
cc4603 chair
0066c8 car
3de6fa water
ff0633 painting
0b66ff sofa
ff0747 shelf
ff09e0 house
0907e6 sea
dcdcdc mirror
ff095c rug
7009ff field
08ffd6 armchair
07ffe0 seat
ffb806 fence
0aff47 desk
ff290a rock
07ffff wardrobe
e0ff08 lamp
6608ff bathtub
ff3d06 railing
ffc207 cushion
ff7a08 base
00ff14 box
ff0829 column
ff0599 signboard
0633ff chest of drawers
eb0cff counter
a09614 sand
00a3ff sink
8c8c8c skyscraper
fa0a0f fireplace
14ff00 refrigerator
1fff00 grandstand
ff1f00 path
ffe000 stairs
99ff00 runway
0000ff case
ff4700 pool table
00ebff pillow
00adff screen door
1f00ff stairway
0bc8c8 river
ff5200 bridge
00fff5 bookcase
003dff blind
00ff70 coffee table
00ff85 toilet
ff0000 flower
ffa300 book
ff6600 hill
c2ff00 bench
008fff countertop
33ff00 stove
0052ff palm
00ff29 kitchen island
00ffad computer
0a00ff swivel chair
adff00 boat
00ff99 bar
ff5c00 arcade machine
ff00ff hovel
ff00f5 bus
ff0066 towel
ffad00 light
ff0014 truck
ffb8b8 tower
001fff chandelier
00ff3d awning
0047ff streetlight
ff00cc booth
00ffc2 television receiver
00ff52 airplane
000aff dirt track
0070ff apparel
3300ff pole
00c2ff land
007aff bannister
00ffa3 escalator
ff9900 ottoman
00ff0a bottle
ff7000 buffet
8fff00 poster
5200ff stage
a3ff00 van
ffeb00 ship
08b8aa fountain
8500ff conveyer belt
00ff5c canopy
b800ff washer
ff001f plaything
00b8ff swimming pool
00d6ff stool
ff0070 barrel
5cff00 basket
00e0ff waterfall
70e0ff tent
46b8a0 bag
a300ff minibike
9900ff cradle
47ff00 oven
ff00a3 ball
ffcc00 food
ff008f step
00ffeb tank
85ff00 trade name
ff00eb microwave
f500ff pot
ff007a animal
fff500 bicycle
0abed4 lake
d6ff00 dishwasher
00ccff screen
1400ff blanket
ffff00 sculpture
0099ff hood
0029ff sconce
00ffcc vase
2900ff traffic light
29ff00 tray
ad00ff ashcan
00f5ff fan
4700ff pier
7a00ff crt screen
00ffb8 plate
005cff monitor
b8ff00 bulletin board
0085ff shower
ffd600 radiator
19c2c2 glass
66ff00 clock
5c00ff flag
"""

_ROWS = [line.partition(" ") for line in _TABLE.strip().splitlines()]
CLASSES: tuple[str, ...] = tuple(name for _, _, name in _ROWS)
COLORS: tuple[str, ...] = tuple(f"#{color}" for color, _, _ in _ROWS)
IGNORED = 255


def class_color(index: int) -> str:
    """The colour of a class as ``#rrggbb``; black for 255, magenta for any other id."""
    if 0 <= index < len(COLORS):
        return COLORS[index]
    return "#000000" if index == IGNORED else "#ff00ff"


def palette_bytes() -> bytes:
    """256 RGB triples, for a picture of ids."""
    return b"".join(bytes.fromhex(class_color(index)[1:]) for index in range(256))

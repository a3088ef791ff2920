"""What people call objects of a category and what they do with them, for categories without marked parts.

OakInk's categories have words of their own; of any other the name serves.
"""

CATEGORY_NAMES: dict[str, tuple[str, ...]] = {
    "apple": ("the apple", "this apple", "the fruit", "it"),
    "banana": ("the banana", "this banana", "the fruit", "it"),
    "binoculars": ("the binoculars", "these binoculars", "the field glasses", "them"),
    "cameras": ("the camera", "this camera", "that camera", "it"),
    "can": ("the can", "this can", "the tin", "it"),
    "cup": ("the cup", "this cup", "that cup", "it"),
    "cylinder_bottle": ("the bottle", "this bottle", "that bottle", "it"),
    "donut": ("the donut", "this donut", "that donut", "it"),
    "eyeglasses": ("the glasses", "these glasses", "the eyeglasses", "them"),
    "flashlight": ("the flashlight", "this flashlight", "the torch", "it"),
    "fryingpan": ("the frying pan", "this frying pan", "the pan", "it"),
    "gamecontroller": ("the game controller", "this controller", "the gamepad", "it"),
    "headphones": ("the headphones", "these headphones", "those headphones", "them"),
    "knife": ("the knife", "this knife", "that knife", "it"),
    "lightbulb": ("the light bulb", "this light bulb", "the bulb", "it"),
    "lotion_pump": ("the lotion bottle", "this pump bottle", "the lotion", "it"),
    "mouse": ("the mouse", "this mouse", "the computer mouse", "it"),
    "pen": ("the pen", "this pen", "that pen", "it"),
    "phone": ("the phone", "this phone", "that phone", "it"),
    "pincer": ("the pliers", "these pliers", "the pincers", "them"),
    "power_drill": ("the drill", "this drill", "the power drill", "it"),
    "scissors": ("the scissors", "these scissors", "those scissors", "them"),
    "screwdriver": ("the screwdriver", "this screwdriver", "that screwdriver", "it"),
    "squeezable": ("the tube", "this tube", "the squeeze bottle", "it"),
    "stapler": ("the stapler", "this stapler", "that stapler", "it"),
    "teapot": ("the teapot", "this teapot", "the pot", "it"),
    "toothbrush": ("the toothbrush", "this toothbrush", "the brush", "it"),
    "trigger_sprayer": ("the spray bottle", "this spray bottle", "the sprayer", "it"),
    "wineglass": ("the wine glass", "this wine glass", "the glass", "it"),
    "wrench": ("the wrench", "this wrench", "that wrench", "it"),
}

CATEGORY_USES: dict[str, tuple[str, ...]] = {
    "apple": ("eat {object}", "bite into {object}", "have a bite of {object}"),
    "banana": ("eat {object}", "peel {object}", "have a bite of {object}"),
    "binoculars": ("look through {object}", "watch birds with {object}", "use {object} to see far"),
    "cameras": ("take a picture with {object}", "take a photo with {object}", "photograph something with {object}"),
    "can": ("drink from {object}", "have a sip from {object}", "pour from {object}"),
    "cup": ("drink from {object}", "have a sip from {object}", "drink tea from {object}"),
    "cylinder_bottle": ("pour from {object}", "drink from {object}", "pour some water from {object}"),
    "donut": ("eat {object}", "bite into {object}", "have a bite of {object}"),
    "eyeglasses": ("put on {object}", "wear {object}", "read with {object}"),
    "flashlight": ("shine with {object}", "light the way with {object}", "point {object} at the door"),
    "fryingpan": ("cook with {object}", "fry an egg in {object}", "put {object} on the stove"),
    "gamecontroller": ("play with {object}", "play a game with {object}", "steer the game with {object}"),
    "headphones": ("put on {object}", "wear {object}", "listen to music with {object}"),
    "knife": ("cut with {object}", "cut the bread with {object}", "slice something with {object}"),
    "lightbulb": ("screw in {object}", "put {object} into the lamp", "change {object}"),
    "lotion_pump": ("pump some soap from {object}", "press the pump of {object}", "get some lotion from {object}"),
    "mouse": ("click with {object}", "move the pointer with {object}", "work at the computer with {object}"),
    "pen": ("write with {object}", "sign with {object}", "write a note with {object}"),
    "phone": ("call someone with {object}", "make a call with {object}", "type on {object}"),
    "pincer": ("grip the wire with {object}", "pull the nail out with {object}", "squeeze something with {object}"),
    "power_drill": ("drill with {object}", "drill a hole with {object}", "make a hole with {object}"),
    "scissors": ("cut with {object}", "cut the paper with {object}", "trim something with {object}"),
    "screwdriver": ("turn the screw with {object}", "drive the screw in with {object}", "loosen a screw with {object}"),
    "squeezable": ("squeeze {object}", "squeeze some out of {object}", "press something out of {object}"),
    "stapler": ("staple with {object}", "staple the pages with {object}", "fasten the paper with {object}"),
    "teapot": ("pour from {object}", "pour tea from {object}", "serve tea from {object}"),
    "toothbrush": ("brush your teeth with {object}", "clean your teeth with {object}", "brush with {object}"),
    "trigger_sprayer": ("spray with {object}", "spray the window with {object}", "pull the trigger of {object}"),
    "wineglass": ("drink from {object}", "drink wine from {object}", "raise a toast with {object}"),
    "wrench": ("turn the nut with {object}", "tighten the bolt with {object}", "loosen the bolt with {object}"),
}

_ANY_USE = ("use {object}", "start using {object}", "make use of {object}", "put {object} to use")


def category_names(category: str) -> tuple[str, ...]:
    """What objects of a category are called in a sentence, article included."""
    words = category.replace("_", " ").replace("-", " ").strip()
    return CATEGORY_NAMES.get(category, (f"the {words}", f"this {words}", f"that {words}", "it"))


def category_uses(category: str) -> tuple[str, ...]:
    """Commands with "{object}" in them for using an object of a category as intended."""
    return (*CATEGORY_USES.get(category, ()), *_ANY_USE)

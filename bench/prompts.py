"""Prompts as people write them, in five languages, of a seeded dice. Some words are in most, one is in hardly any."""

import random

RARE = "zeppelin"
COMMON = "image"

VERBS = ["Replace", "Remove", "Brighten", "Blur", "Recolour", "Extend", "Sharpen", "Straighten", "Relight", "Soften"]
PLACES = ["background", "sky", "left side", "foreground", "shadow", "reflection", "label", "packaging", "table", "wall"]
THINGS = [
    "a red car",
    "a wooden chair",
    "autumn leaves",
    "a glass bottle",
    "a marble floor",
    "soft clouds",
    "a neon sign",
    "a linen shirt",
    "a ceramic cup",
    "morning fog",
    "a city at night",
    "tall grass",
    "a snowy hill",
    "golden light",
    "a paper lantern",
    "wet asphalt",
    "a leather bag",
    "a silver watch",
    "warm candles",
    "calm water",
]
STYLES = ["watercolour", "studio light", "film grain", "product shot", "flat lay", "macro", "pastel tones"]
ENGLISH = "{verb} the {place} of {common} {number} with {thing}, {style}. Keep everything else as it is."
OTHERS = [
    "画像{number}の背景を{ja}に変えて、影をやわらかくしてください。",
    "人物はそのままで、{ja}を追加。全体を明るく、自然な光で。",
    "Ersetze den Hintergrund von Bild {number} durch {de} und hebe die Gegenlichtstörung auf.",
    "Remplace l’arrière-plan de l’image {number} par {fr}, lumière douce, léger grain.",
    "이미지 {number}의 배경을 {ko}(으)로 바꾸고 그림자를 부드럽게 해 주세요.",
]
WORDS = {
    "ja": ["夕焼けの海", "桜並木", "東京の夜景", "雪の山", "木の机", "青い空", "古い町"],
    "de": ["Über den Dächern", "grüne Hügel", "ein Café", "Straßenlaternen", "Herbstwald"],
    "fr": ["une forêt d’été", "un café crème", "la mer agitée", "des façades colorées"],
    "ko": ["저녁 바다", "벚꽃 길", "서울 야경", "눈 덮인 산"],
}


def prompt(dice: random.Random) -> str:
    values = {name: dice.choice(words) for name, words in WORDS.items()}
    values |= {"verb": dice.choice(VERBS), "place": dice.choice(PLACES), "thing": dice.choice(THINGS)}
    values |= {"style": dice.choice(STYLES), "common": COMMON, "number": str(dice.randint(1, 10))}
    text = (ENGLISH if dice.random() < 0.6 else dice.choice(OTHERS)).format(**values)
    return f"{text} A {RARE} far away." if dice.random() < 0.0002 else text

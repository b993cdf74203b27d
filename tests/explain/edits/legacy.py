LEGACY = ()


def legacy_cases(name):
    return []

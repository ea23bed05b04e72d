import pytest
from shop.catalogue import Catalogue, read_products


@pytest.mark.parametrize(
    ("question", "found"),
    [("red kettle", 30), ("blue teapot by hand", 30), ("model 77", 1), ("golden kettle", 0)],
)
def test_search_finds_products_that_have_every_word(
    catalogue: Catalogue, question: str, found: int
) -> None:
    assert len(catalogue.search(question)) == found


def test_the_cheapest_product_comes_first(catalogue: Catalogue) -> None:
    prices = [product.price for product in catalogue.search("white cup")]
    assert prices == sorted(prices)


def test_each_answer_of_a_search_can_be_searched_for(catalogue: Catalogue) -> None:
    for product in catalogue.search("green tray"):
        model = product.sku.partition("-")[2]
        assert product in catalogue.search(f"model {model}")


def test_the_price_range_is_worked_out_once(catalogue: Catalogue) -> None:
    assert catalogue.price_range == catalogue.price_range


def test_products_are_read_as_they_are_asked_for() -> None:
    products = read_products(["cup-1|red cup|small|2.50\n", "not a product"])
    assert next(products).sku == "cup-1"

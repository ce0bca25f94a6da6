"""Every kind of query, over a real socket."""

from __future__ import annotations

from typing import Any

import pytest
from grpc import StatusCode

from langchain_qdrant_async.proto import collections, common, points
from tests.engine_messages import (
    Refused,
    Stubs,
    dense_config,
    dense_params,
    example,
    field,
    match,
    nearest,
    payload,
    plain_id,
    point,
    point_id,
)

pytest_plugins = ("tests.engine_fixtures",)


@pytest.fixture
async def line(stubs: Stubs) -> Stubs:
    """Points 0 to 9; their unnamed vectors turn from [1, 0] towards [0, 1], and the others count along."""
    config = {
        "": dense_params(2, collections.Cosine),
        "far": dense_params(1, collections.Euclid),
        "rows": dense_params(
            2, collections.Dot, multivector_config=collections.MultiVectorConfig(comparator=collections.MaxSim)
        ),
    }
    await stubs.create(
        vectors_config=collections.VectorsConfig(params_map=collections.VectorParamsMap(map=config)),
        sparse_vectors_config=collections.SparseVectorConfig(map={"words": collections.SparseVectorParams()}),
    )
    await stubs.upsert(
        *(
            point(
                number,
                {
                    "": [9 - number, number],
                    "far": [number],
                    "rows": [[number, 0], [0, 1]],
                    "words": {number: 1.0, 99: 0.5},
                },
                n=number,
                even=number % 2 == 0,
                place={"lon": float(number), "lat": 0.0},
            )
            for number in range(10)
        )
    )
    for name, kind in {"n": points.FieldTypeInteger, "even": points.FieldTypeBool}.items():
        index = points.CreateFieldIndexCollection(collection_name=stubs.collection, field_name=name, field_type=kind)
        await stubs.points.CreateFieldIndex(index)
    return stubs


EVEN = common.Filter(must=[match("even", boolean=True)])


async def test_nearest_by_vector(line: Stubs) -> None:
    assert await line.ids(query=nearest([1, 0]), limit=3) == [0, 1, 2]
    assert await line.ids(query=nearest([0, 1]), limit=2, offset=1) == [8, 7]
    assert await line.ids(query=nearest([1, 0]), limit=3, filter=EVEN) == [0, 2, 4]
    assert len(await line.ids(query=nearest([1, 0]))) == 10
    assert await line.ids(query=nearest([1, 0]), score_threshold=0.99) == [0, 1]


@pytest.mark.parametrize(
    ("distance", "best", "threshold", "within"),
    [
        (collections.Cosine, [3, 2, 1], 0.9, [3]),
        (collections.Dot, [3, 2, 1], 2.5, [3]),
        (collections.Euclid, [1, 2, 3], 1.5, [1, 2]),
        (collections.Manhattan, [1, 2, 3], 1.5, [1, 2]),
    ],
)
async def test_distances_and_thresholds(
    stubs: Stubs, distance: Any, best: list[int], threshold: float, within: list[int]
) -> None:
    await stubs.create(vectors_config=dense_config(2, distance))
    await stubs.upsert(point(1, [1, 1]), point(2, [2, 1]), point(3, [3, 1]))
    query = nearest([1, 0] if distance in {collections.Cosine, collections.Dot} else [1, 1])
    assert await stubs.ids(query=query) == best
    assert await stubs.ids(query=query, score_threshold=threshold) == within


async def test_what_is_returned_by_default_and_on_demand(line: Stubs) -> None:
    (hit,) = await line.query(query=nearest([1, 0]), limit=1)
    assert (hit.version, hit.HasField("vectors"), len(hit.payload)) == (0, False, 0)
    assert hit.score == pytest.approx(1)
    (hit,) = await line.query(
        query=nearest([1, 0]),
        limit=1,
        with_payload=points.WithPayloadSelector(include=points.PayloadIncludeSelector(fields=["n"])),
        with_vectors=points.WithVectorsSelector(include=points.VectorsSelector(names=["far"])),
    )
    assert hit.payload == payload({"n": 0})
    assert list(hit.vectors.vectors.vectors) == ["far"]


async def test_a_query_by_id_never_finds_that_id(line: Stubs) -> None:
    assert set(await line.ids(query=nearest(3), limit=2, using="far")) == {2, 4}
    prefetch = points.PrefetchQuery(query=nearest(3), limit=5)
    assert 3 not in await line.ids(prefetch=[prefetch], query=points.Query(fusion=points.RRF))


async def test_ids_that_have_no_vector_to_search_with(line: Stubs) -> None:
    await line.upsert(point(50, {"far": [50]}))
    with Refused(StatusCode.NOT_FOUND, "Not found: No point with id 77 found"):
        await line.query(query=nearest(77))
    with Refused(StatusCode.NOT_FOUND, 'Not found: Vector with name "words" for point not found'):
        await line.query(query=nearest(50), using="words")
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: Not existing vector name error: zz"):
        await line.query(query=nearest(1), using="zz")


async def test_vectors_from_another_collection(line: Stubs) -> None:
    other = Stubs.__new__(Stubs)
    other.__dict__ |= line.__dict__ | {"collection": f"{line.collection}-other"}
    await other.create(vectors_config=dense_config(2, collections.Dot))
    await other.upsert(point(1, [0, 1]))
    lookup = points.LookupLocation(collection_name=other.collection)
    assert await line.ids(query=nearest(1), lookup_from=lookup, limit=3) == [9, 8, 7]
    with Refused(StatusCode.NOT_FOUND, "Not found: Collection absent not found"):
        await line.query(query=nearest(1), lookup_from=points.LookupLocation(collection_name="absent"))
    with Refused(StatusCode.INVALID_ARGUMENT, "Vector dimension error: expected dim: 1, got 2"):
        await line.query(
            query=nearest(1),
            using="far",
            lookup_from=points.LookupLocation(collection_name=other.collection, vector_name=""),
        )
    await line.collections.Delete(collections.DeleteCollection(collection_name=other.collection))


async def test_sparse_and_multivectors(line: Stubs) -> None:
    assert await line.ids(query=nearest({4: 1.0}), using="words") == [4]
    assert await line.ids(query=nearest({1000: 1.0}), using="words") == []
    assert await line.ids(query=nearest([[1, 0], [0, 1]]), using="rows", limit=2) == [9, 8]
    assert await line.ids(query=nearest([1, 0]), using="rows", limit=2) == [9, 8]


async def test_the_idf_modifier_favours_rare_words(stubs: Stubs) -> None:
    sparse = collections.SparseVectorConfig(map={"words": collections.SparseVectorParams(modifier=collections.Idf)})
    await stubs.create(vectors_config=dense_config(1), sparse_vectors_config=sparse)
    await stubs.upsert(*(point(number, {"words": {1: 1.0}}) for number in range(5)), point(9, {"words": {2: 1.0}}))
    found = await stubs.query(query=nearest({1: 1.0, 2: 1.0}), using="words")
    assert plain_id(found[0].id) == 9
    assert found[0].score > found[1].score


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [(points.AverageVector, [6, 7]), (points.BestScore, [6, 7]), (points.SumScores, [8, 9])],
    ids=["average", "best", "sum"],
)
async def test_recommendations(line: Stubs, strategy: Any, expected: list[int]) -> None:
    recommend = points.RecommendInput(positive=[example(5)], negative=[example([1, 0])], strategy=strategy)
    found = await line.ids(query=points.Query(recommend=recommend), limit=9)
    assert 5 not in found
    assert set(found[:4]) >= set(expected)


@pytest.mark.parametrize("using", ["far", "rows", "words"])
async def test_the_average_is_formed_for_every_kind_of_vector(line: Stubs, using: str) -> None:
    recommend = points.RecommendInput(positive=[example(4), example(5)], negative=[example(0)])
    found = await line.ids(query=points.Query(recommend=recommend), using=using)
    assert found
    assert not {4, 5, 0} & set(found)


async def test_recommendations_without_examples(line: Stubs) -> None:
    average = points.RecommendInput(negative=[example(1)])
    with Refused(StatusCode.INVALID_ARGUMENT, "Positive vectors should not be empty with `average` strategy"):
        await line.query(query=points.Query(recommend=average))
    with Refused(StatusCode.INVALID_ARGUMENT, "At least one positive or negative vector ID required"):
        await line.query(query=points.Query(recommend=points.RecommendInput(strategy=points.BestScore)))
    only_negative = points.RecommendInput(negative=[example(0)], strategy=points.BestScore)
    assert (await line.ids(query=points.Query(recommend=only_negative)))[0] == 9


async def test_discovery_and_context(line: Stubs) -> None:
    context = points.ContextInput(pairs=[points.ContextInputPair(positive=example(8), negative=example(1))])
    discover = points.DiscoverInput(target=example([0, 1]), context=context)
    assert (await line.ids(query=points.Query(discover=discover)))[:2] == [9, 7]
    assert set((await line.ids(query=points.Query(context=context)))[:4]) <= {5, 6, 7, 9}


async def test_relevance_feedback(line: Stubs) -> None:
    feedback = points.RelevanceFeedbackInput(
        target=example([1, 0]),
        feedback=[
            points.FeedbackItem(example=example(9), score=0.9),
            points.FeedbackItem(example=example(1), score=0.1),
        ],
        strategy=points.FeedbackStrategy(naive=points.NaiveFeedbackStrategy(a=1.0, b=1.0, c=1.0)),
    )
    assert len(await line.ids(query=points.Query(relevance_feedback=feedback))) == 8


async def test_order_by(line: Stubs) -> None:
    order = points.OrderBy(key="n", direction=points.Desc, start_from=points.StartFrom(integer=5))
    found = await line.query(query=points.Query(order_by=order), limit=2)
    assert [(hit.id.num, hit.order_value.int) for hit in found] == [(5, 5), (4, 4)]
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: No range index for `order_by` key: `place`"):
        await line.query(query=points.Query(order_by=points.OrderBy(key="place")))
    with Refused(StatusCode.INVALID_ARGUMENT, "Bad request: Can't use score_threshold with an order_by query."):
        await line.query(query=points.Query(order_by=order), score_threshold=1)


async def test_no_query_and_a_random_one(line: Stubs) -> None:
    assert await line.ids(limit=3) == [0, 1, 2]
    assert await line.ids(limit=3, filter=EVEN) == [0, 2, 4]
    assert len(set(await line.ids(query=points.Query(sample=points.Random), limit=4))) == 4


PREFETCH = [
    points.PrefetchQuery(query=nearest([1, 0]), limit=4),
    points.PrefetchQuery(query=nearest([9]), using="far", limit=4),
]


@pytest.mark.parametrize(
    "fusion",
    [
        points.Query(fusion=points.RRF),
        points.Query(fusion=points.DBSF),
        points.Query(rrf=points.Rrf(k=60)),
        points.Query(rrf=points.Rrf(weights=[1, 1])),
    ],
)
async def test_fusions(line: Stubs, fusion: points.Query) -> None:
    found = await line.ids(prefetch=PREFETCH, query=fusion)
    assert set(found) == {0, 1, 2, 3, 9, 8, 7, 6}
    assert found[0] in {0, 9, 6}  # DBSF ranks the far end of a distance first


async def test_reciprocal_ranks_start_at_two_and_can_be_weighted(line: Stubs) -> None:
    found = await line.query(prefetch=PREFETCH, query=points.Query(fusion=points.RRF), limit=1)
    assert found[0].score == pytest.approx(1 / 2)
    weighted = points.Query(rrf=points.Rrf(k=60, weights=[1, 3]))
    assert (await line.ids(prefetch=PREFETCH, query=weighted))[0] == 9


async def test_the_root_filter_restricts_the_prefetches(line: Stubs) -> None:
    found = await line.ids(prefetch=PREFETCH, query=points.Query(fusion=points.RRF), filter=EVEN)
    assert all(number % 2 == 0 for number in found)


async def test_prefetches_are_rescored_at_any_depth(line: Stubs) -> None:
    inner = points.PrefetchQuery(query=nearest([1, 0]), limit=6)
    middle = points.PrefetchQuery(prefetch=[inner], query=nearest([0, 1]), limit=3)
    assert await line.ids(prefetch=[middle], query=nearest([0]), using="far") == [3, 4, 5]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"prefetch": PREFETCH}, "A query is needed to merge the prefetches."),
        ({"score_threshold": 0.5}, "A query is needed to use the score_threshold."),
        (
            {"prefetch": PREFETCH, "query": points.Query(fusion=points.RRF), "using": "far"},
            "Fusion queries cannot be combined with the 'using' field.",
        ),
    ],
)
async def test_parts_that_exclude_each_other(line: Stubs, fields: dict[str, Any], text: str) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, f"Bad request: {text}"):
        await line.query(**fields)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"query": nearest([1, 0]), "limit": 0}, "[limit: value 0 invalid, must be 1 or larger]"),
        (
            {"query": points.Query(rrf=points.Rrf(k=0)), "prefetch": PREFETCH},
            "[query.variant.k: value 0 invalid, must be 1 or larger]",
        ),
        ({"query": points.Query(rrf=points.Rrf(weights=[1])), "prefetch": PREFETCH}, "RRF weights length"),
        ({"query": points.Query()}, "Query variant is missing"),
        ({"query": nearest([1, 0, 0])}, "Wrong input: Vector dimension error: expected dim: 2, got 3"),
        ({"query": nearest({1: 1.0})}, "Wrong input: Conversion between sparse and regular vectors failed"),
        ({"query": nearest([[1, 0], [1]]), "using": "rows"}, "[query.variant.variant.data: all vectors must have"),
        ({"query": nearest([1, 0]), "using": "zz"}, "Wrong input: Not existing vector name error: zz"),
    ],
)
async def test_queries_that_cannot_be(line: Stubs, fields: dict[str, Any], text: str) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await line.query(**fields)


def diverse(data: Any, **mmr: Any) -> points.Query:
    return points.Query(nearest_with_mmr=points.NearestInputWithMmr(nearest=example(data), mmr=points.Mmr(**mmr)))


async def test_maximal_marginal_relevance(line: Stubs) -> None:
    assert await line.ids(query=diverse([1, 0], diversity=0.0), limit=3) == [0, 1, 2]
    assert (await line.ids(query=diverse([1, 0], diversity=1.0, candidates_limit=10), limit=2))[1] == 9
    assert await line.ids(query=diverse([1, 0]), limit=4, using="rows")
    found = await line.query(query=diverse(0), limit=3)
    assert [hit.HasField("vectors") for hit in found] == [False] * 3
    wanted = points.WithVectorsSelector(include=points.VectorsSelector(names=["far"]))
    found = await line.query(query=diverse([1, 0]), limit=1, with_vectors=wanted)
    assert list(found[0].vectors.vectors.vectors) == ["far"]
    with Refused(StatusCode.INVALID_ARGUMENT, "[query.variant.mmr.diversity: value"):
        await line.query(query=diverse([1, 0], diversity=1.5))
    with Refused(StatusCode.UNIMPLEMENTED, "MMR on a sparse vector"):
        await line.query(query=diverse({1: 1.0}), using="words")


def constant(number: float) -> points.Expression:
    return points.Expression(constant=number)


def variable(name: str) -> points.Expression:
    return points.Expression(variable=name)


N = points.Expression(variable="n")
FORMULAS: dict[str, tuple[points.Expression, float]] = {
    "sum": (points.Expression(sum=points.SumExpression(sum=[N, constant(1)])), 5),
    "mult": (points.Expression(mult=points.MultExpression(mult=[N, constant(0.5)])), 2),
    "div": (points.Expression(div=points.DivExpression(left=constant(1), right=N)), 0.25),
    "div by zero": (points.Expression(div=points.DivExpression(left=N, right=constant(0), by_zero_default=7)), 7),
    "pow": (points.Expression(pow=points.PowExpression(base=N, exponent=constant(2))), 16),
    "neg": (points.Expression(neg=N), -4),
    "abs": (points.Expression(abs=points.Expression(neg=N)), 4),
    "sqrt": (points.Expression(sqrt=N), 2),
    "exp": (points.Expression(exp=constant(0)), 1),
    "log10": (points.Expression(log10=constant(100)), 2),
    "ln": (points.Expression(ln=constant(1)), 0),
    "acosh": (points.Expression(acosh=constant(1)), 0),
    "max": (points.Expression(max=points.MaxExpression(max=[N, constant(9)])), 9),
    "min": (points.Expression(min=points.MinExpression(min=[N, constant(9)])), 4),
    "condition": (points.Expression(condition=match("even", boolean=True)), 1),
    "other condition": (points.Expression(condition=field("n", range=common.Range(gt=4))), 0),
    "geo": (points.Expression(geo_distance=points.GeoDistance(origin=common.GeoPoint(lon=4, lat=0), to="place")), 0),
    "datetime": (points.Expression(datetime="1970-01-01T00:00:10Z"), 10),
    "datetime key": (points.Expression(datetime_key="when"), 20),
    "exp decay": (points.Expression(exp_decay=points.DecayParamsExpression(x=N, target=constant(4))), 1),
    "gauss decay": (points.Expression(gauss_decay=points.DecayParamsExpression(x=N, target=constant(0), scale=4)), 0.5),
    "lin decay": (
        points.Expression(lin_decay=points.DecayParamsExpression(x=N, target=constant(0), scale=4, midpoint=0.5)),
        0.5,
    ),
    "default": (variable("absent"), 3),
    "score": (variable("$score"), 4),
}


@pytest.mark.parametrize("case", FORMULAS)
async def test_formulas(line: Stubs, case: str) -> None:
    expression, expected = FORMULAS[case]
    formula = points.Formula(expression=expression, defaults=payload({"absent": 3, "when": "1970-01-01T00:00:20Z"}))
    four = common.Filter(must=[common.Condition(has_id=common.HasIdCondition(has_id=[point_id(4)]))])
    prefetch = points.PrefetchQuery(query=nearest([0]), using="far", limit=10)
    (hit,) = await line.query(prefetch=[prefetch], query=points.Query(formula=formula), filter=four)
    assert hit.score == pytest.approx(expected, abs=1e-5)


async def test_a_formula_that_cannot_be_evaluated(line: Stubs) -> None:
    query = points.Query(formula=points.Formula(expression=variable("absent")))
    with Refused(StatusCode.INVALID_ARGUMENT, "Wrong input: the formula could not be evaluated"):
        await line.query(prefetch=PREFETCH, query=query)


async def test_search_parameters_are_taken(line: Stubs) -> None:
    params = points.SearchParams(
        hnsw_ef=64,
        exact=True,
        indexed_only=False,
        quantization=points.QuantizationSearchParams(ignore=False, rescore=True, oversampling=2.0),
        acorn=points.AcornSearchParams(enable=True, max_selectivity=0.4),
    )
    assert await line.ids(query=nearest([1, 0]), params=params, limit=2) == [0, 1]
    idf = points.SearchParams(idf=points.IdfParams(corpus=EVEN))
    with Refused(StatusCode.INVALID_ARGUMENT, "requires a sparse vector with the `idf` modifier"):
        await line.query(query=nearest({4: 1.0}), using="words", params=idf)


async def test_text_queries(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(1))
    texts = ["the quick brown fox", "the lazy dog", "a fox and a fox"]
    await stubs.upsert(*(point(number, [1], text=text) for number, text in enumerate(texts)))
    params = collections.TextIndexParams(
        tokenizer=collections.Word, scoring=collections.TextScoringParams(type=collections.Bm25)
    )
    index = points.CreateFieldIndexCollection(
        collection_name=stubs.collection,
        field_name="text",
        field_type=points.FieldTypeText,
        field_index_params=collections.PayloadIndexParams(text_index_params=params),
    )
    await stubs.points.CreateFieldIndex(index)
    query = points.Query(text=points.TextQuery(query="fox", bm25=points.Bm25Params(k=1.2, b=0.75)))
    assert await stubs.ids(query=query, using="text") == [2, 0]


async def test_a_batch_of_queries_answers_in_order_or_not_at_all(line: Stubs) -> None:
    queries = [
        points.QueryPoints(query=nearest([1, 0]), limit=2),
        points.QueryPoints(query=nearest(9), limit=1),
        points.QueryPoints(query=diverse([1, 0]), limit=1),
    ]
    request = points.QueryBatchPoints(collection_name=line.collection, query_points=queries)
    response = await line.points.QueryBatch(request)
    assert [[hit.id.num for hit in each.result] for each in response.result] == [[0, 1], [8], [0]]
    assert not response.result[2].result[0].HasField("vectors")
    request.query_points.append(points.QueryPoints(query=nearest([1])))
    with Refused(StatusCode.INVALID_ARGUMENT, "Vector dimension error"):
        await line.points.QueryBatch(request)
    empty = await line.points.QueryBatch(points.QueryBatchPoints(collection_name=line.collection))
    assert not empty.result


async def test_an_empty_collection_has_no_hits(stubs: Stubs) -> None:
    await stubs.create(vectors_config=dense_config(2))
    assert await stubs.ids(query=nearest([1, 0])) == []


async def test_a_sample_has_no_beginning_that_an_offset_could_leave_out(line: Stubs) -> None:
    sample = points.Query(sample=points.Random)
    assert sorted(await line.ids(query=sample, limit=20, offset=4)) == list(range(10))


async def test_an_offset_leaves_out_the_first_of_those_that_are_relevant_and_diverse(line: Stubs) -> None:
    whole = await line.ids(query=diverse([1, 0], candidates_limit=10), limit=5)
    assert await line.ids(query=diverse([1, 0], candidates_limit=10), limit=5, offset=2) == whole[2:]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (points.Query(fusion=9), "invalid fusion type value 9"),  # type: ignore[arg-type]
        (points.Query(sample=7), "invalid sample type value 7"),  # type: ignore[arg-type]
    ],
    ids=["fusion", "sample"],
)
async def test_a_number_that_names_no_kind(line: Stubs, query: points.Query, text: str) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, text):
        await line.query(query=query)


async def test_an_unknown_strategy_is_the_average(line: Stubs) -> None:
    unknown, average = (
        points.Query(recommend=points.RecommendInput(positive=[example(3)], strategy=strategy))  # type: ignore[arg-type]
        for strategy in (9, points.AverageVector)
    )
    assert await line.ids(query=unknown) == await line.ids(query=average)


@pytest.mark.parametrize(
    ("params", "path"),
    [
        (
            points.SearchParams(quantization=points.QuantizationSearchParams(oversampling=0.5)),
            "quantization.oversampling",
        ),
        (points.SearchParams(acorn=points.AcornSearchParams(max_selectivity=1.5)), "acorn.max_selectivity"),
    ],
    ids=["oversampling", "selectivity"],
)
async def test_parameters_out_of_range_are_named_with_where_they_stand(
    line: Stubs, params: points.SearchParams, path: str
) -> None:
    with Refused(StatusCode.INVALID_ARGUMENT, f"[params.{path}: value"):
        await line.query(query=nearest([1, 0]), params=params)
    fusion = points.Query(fusion=points.RRF)
    with Refused(StatusCode.INVALID_ARGUMENT, f"[prefetch[0].params.{path}: value"):
        await line.query(query=fusion, prefetch=[points.PrefetchQuery(query=nearest([1, 0]), params=params)])

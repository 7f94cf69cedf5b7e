"""What counts as response, remission and relapse: drawn courses that a clinician can check.

Each case is one course. Days count from the first dose; a blank is a score that was not taken.
`pipelines.docs` renders this page into `docs/definitions/outcomes.md`.
"""

from reading import Case

RESPONSE = "Response and remission are judged on the last score of the window"
RELAPSE = "Relapse is a time, known to lie between two visits"
MISSING = "A missing visit"
SUBSTANCES = "Substance use: the clock starts with the first dose"

CASES: dict[str, list[Case]] = {
    RESPONSE: [
        Case(
            title="A fall by half is a response; a score of 5 or more is no remission",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                20  | 10
            """,
            expect={"response": "yes", "remission": "no"},
        ),
        Case(
            title="One point less than half is none",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                20  | 11
            """,
            expect={"response": "no", "remission": "no", "relapse": "did not respond"},
        ),
        Case(
            title="A score below 5 is remission",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                20  | 4
            """,
            expect={"response": "yes", "remission": "yes"},
        ),
        Case(
            title="The last score in the window decides, not the best",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                15  | 4
                25  | 18
            """,
            expect={"response": "no", "remission": "no"},
        ),
        Case(
            title="The window counts from the last dose, not the first",
            condition="depression",
            doses=(0, 3, 7, 10, 14, 17),
            visits="""
                day | phq9
                -3  | 20
                20  | 4
                40  | 15
            """,
            expect={"response": "no", "remission": "no"},
        ),
        Case(
            title="No score in the window: not assessed, never non-response",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                60  | 4
            """,
            expect={
                "response": "not assessed",
                "remission": "not assessed",
                "relapse": "response not assessed",
            },
        ),
        Case(
            title="A score on the day of the first dose is no baseline: it cannot be told apart",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                0   | 8
                20  | 9
            """,
            expect={"response": "yes"},
        ),
        Case(
            title="No baseline score on any accepted scale: not assessed",
            condition="depression",
            visits="""
                day | phq9
                20  | 4
            """,
            expect={"response": "not assessed", "relapse": "no scale fits"},
        ),
        Case(
            title="Without the primary scale, an accepted one is used, with its own limits",
            condition="depression",
            visits="""
                day | madrs
                -3  | 32
                20  | 10
            """,
            expect={"response": "yes", "remission": "yes"},
        ),
        Case(
            title="Scales are not mixed: the one with the baseline score is the one that is judged",
            condition="depression",
            visits="""
                day | phq9 | madrs
                -3  | 20   |
                20  |      | 4
            """,
            expect={"response": "not assessed"},
        ),
        Case(
            title="Social anxiety: a fall by 35 % is a response",
            condition="sad",
            visits="""
                day | lsas
                -3  | 100
                20  | 65
            """,
            expect={"response": "yes", "remission": "no"},
        ),
        Case(
            title="PTSD: ten points are a response, below 28 is remission",
            condition="ptsd",
            visits="""
                day | pcl5
                -3  | 40
                20  | 30
            """,
            expect={"response": "yes", "remission": "no"},
        ),
    ],
    RELAPSE: [
        Case(
            title="Relapse lies between the last good visit and the first of two bad ones",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                20  | 6
                50  | 7
                80  | 18
                95  | 19
            """,
            expect={"response": "yes", "relapse": "between day 30 and day 60"},
        ),
        Case(
            title="One bad visit followed by a good one is no relapse",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                20  | 6
                50  | 18
                80  | 6
                110 | 7
            """,
            expect={"relapse": "none up to day 90"},
        ),
        Case(
            title="A bad visit that nobody followed up is not yet a relapse: last seen well before",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                20  | 6
                50  | 7
                80  | 18
            """,
            expect={"relapse": "none up to day 30"},
        ),
        Case(
            title="Nobody saw the patient after the response: not at risk in the data",
            condition="depression",
            visits="""
                day | phq9
                -3  | 20
                20  | 6
            """,
            expect={"response": "yes", "relapse": "not seen after the clock started"},
        ),
        Case(
            title="Death ends the at-risk period and is no relapse",
            condition="depression",
            visits="""
                day | phq9 | event
                -3  | 20   |
                20  | 6    |
                50  | 7    |
                70  |      | death
            """,
            expect={"relapse": "ended by another event on day 50"},
        ),
    ],
    MISSING: [
        Case(
            title="Opioids in a trial where a missing screen counts as use: not shown here is use",
            condition="oud",
            study=None,
            last_day=84,
            visits="""
                day | uds.opioid
                -1  | 1
                7   | 0
                14  | 0
                21  | 0
                28  | 1
                35  |
                42  | 1
                49  |
                56  | 0
                63  | 0
                70  | 0
                77  | 0
                84  | 0
            """,
            expect={"response": "yes", "relapse": "between day 21 and day 28"},
        ),
        Case(
            title="Three weeks of use or missing in a row, then a negative screen: no relapse",
            condition="oud",
            study=None,
            last_day=84,
            visits="""
                day | uds.opioid
                7   | 0
                14  | 0
                21  | 0
                28  | 1
                42  | 1
                49  | 0
                56  | 0
                63  | 0
                70  | 0
                77  | 0
                84  | 0
            """,
            expect={"response": "yes", "relapse": "none up to day 84"},
        ),
        Case(
            title="Somebody who never came back relapsed in the first week",
            condition="oud",
            study=None,
            last_day=84,
            visits="""
                day | uds.opioid
                -1  | 1
            """,
            expect={"response": "no", "relapse": "between day 0 and day 7"},
        ),
    ],
    SUBSTANCES: [
        Case(
            title="Alcohol: no heavy drinking day in the last 28 at three months",
            condition="aud",
            visits="""
                day | tlfb.heavy_drinking_days | tlfb.alcohol_days
                -1  | 20                       | 28
                30  | 0                        | 2
                90  | 0                        | 3
            """,
            expect={"response": "yes", "remission": "no", "relapse": "none up to day 90"},
        ),
        Case(
            title="A diary that reaches back before the first dose is passed over",
            condition="aud",
            visits="""
                day | tlfb.heavy_drinking_days
                14  | 9
                45  | 0
                90  | 0
            """,
            expect={"response": "yes", "relapse": "none up to day 90"},
        ),
        Case(
            title="Opioids: one positive screen in three months is no response",
            condition="oud",
            visits="""
                day | uds.opioid
                -1  | 0
                10  | 0
                40  | 1
                80  | 0
            """,
            expect={"response": "no", "relapse": "between day 10 and day 40"},
        ),
        Case(
            title="Opioids: last seen well after one month says nothing about three",
            condition="oud",
            visits="""
                day | uds.opioid
                -1  | 0
                10  | 0
                30  | 0
            """,
            expect={"response": "not assessed", "relapse": "none up to day 30"},
        ),
    ],
}

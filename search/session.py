"""From a request to a searched run directory: the order of a search's life."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from device_runner import Device, MeasurePlan, TimingPlan, open_device
from device_runner.lease import lock_folder, lock_name
from foundation.environment import environment
from foundation.files import write_json
from models.deployment import Deployment
from models.training import SupernetTrainer, TrainingPlan, TrainingProgress
from models.weights import Weights, load_weights, save_weights
from search.constraints import Constraints
from search.errors import RunError
from search.evaluation import Evaluator
from search.exporting import ExportPool
from search.inputs import SearchInputs, best_psnr_db, load_inputs
from search.loop import Budget, SearchEvents, SearchLoop
from search.pictures import CropKeeper
from search.request import SearchRequest
from search.rundir import RunDirectory
from search.study import open_study, storage_trouble

# Another search or bench on the same device ends, as a rule, within the hour.
LEASE_WAIT_S = 3600.0


@dataclass
class Watcher(SearchEvents):
    """`SearchEvents`, and what happens before the first trial."""

    opened: Callable[[RunDirectory, str], None] = lambda run, device_sentence: None
    training: Callable[[TrainingProgress], None] = lambda progress: None


@dataclass(frozen=True)
class SearchOutcome:
    """Where the run lies and why it ended."""

    run: RunDirectory
    why: str


def run_search(request: SearchRequest, command: Sequence[str], watcher: Watcher) -> SearchOutcome:
    """Search, or continue the search that the run directory holds.

    Raises:
        RequestError: the request is wrong; nothing was written.
        DeviceFailure: the device failed for good.
        KeyboardInterrupt: stopped by the user; the same command continues.
    """
    inputs = load_inputs(request)
    selection = open_device(request.device)
    with contextlib.closing(selection.device) as device:
        facts = {
            "command": list(command),
            "device": selection.sentence,
            "profile": device.profile().model_dump(mode="json"),
            "inputs": inputs.fingerprint(),
        }
        path = request.run_dir or request.default_run_dir
        with _only_one(path):
            run = RunDirectory.create(path, request, facts)
            write_json(run.path / "environment.json", environment())
            watcher.opened(run, selection.sentence)
            weights = _weights(run, request, inputs, watcher)
            why = _search(run, request, inputs, weights, device, watcher)
    return SearchOutcome(run, why)


@contextlib.contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Two searches in one run directory would answer each other's trials."""
    # Not beside the run: a folder that turns out to be none of ours is left as it was.
    lock = FileLock(lock_folder() / f"{lock_name(f'run {path.absolute()}')}.lock", blocking=False)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(
            f"another search is running in {path}: wait for it, or choose another --run-dir"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _weights(
    run: RunDirectory, request: SearchRequest, inputs: SearchInputs, watcher: Watcher
) -> Weights:
    """The supernet of this run: read back, taken from a checkpoint, or trained."""
    if run.weights.is_file():
        return load_weights(run.weights)
    if inputs.weights is not None:
        weights = inputs.weights
    else:
        watcher.stage("training the supernet")
        checkpoint = run.weights.with_name("training.pt")
        plan = TrainingPlan(
            steps=request.train_steps,
            batch_size=request.batch_size,
            crop=request.crop,
            seed=request.seed,
        )
        trainer = SupernetTrainer(request.space, inputs.training_images, plan, checkpoint)
        weights = trainer.run(watcher.training)
    save_weights(weights, run.weights)
    run.weights.with_name("training.pt").unlink(missing_ok=True)
    return weights


def _search(
    run: RunDirectory,
    request: SearchRequest,
    inputs: SearchInputs,
    weights: Weights,
    device: Device,
    watcher: Watcher,
) -> str:
    watcher.stage("judging the supernet's largest config")
    evaluator = Evaluator(
        device=device,
        plan=MeasurePlan(
            sessions=request.sessions,
            threads=request.threads or device.suggest_threads().threads,
            timeout_s=request.session_timeout_s,
            timing=TimingPlan(min_iterations=request.min_iterations, min_time_s=request.min_time_s),
        ),
        pairs=inputs.pairs,
        constraints=Constraints(request.max_latency_ms, request.max_memory_mb, request.min_psnr_db),
        measurements=run.measurements,
        best_psnr_db=best_psnr_db(request, weights, inputs.pairs),
        overlap=request.overlap,
        crops=CropKeeper(run.pictures, inputs.pairs),
        say=watcher.stage,
    )
    height, width = request.lr_size
    watcher.stage(f"waiting for {device.serial}, should another process be using it")
    with (
        ExportPool(
            run.weights, run.artifacts, request.export_jobs, request.export_timeout_s
        ) as pool,
        device.lease(LEASE_WAIT_S),
    ):
        loop = SearchLoop(
            study=open_study(run, request),
            space=request.space,
            deployment=Deployment.build(lr_height=height, lr_width=width, graph=request.graph),
            evaluator=evaluator,
            pool=pool,
            budget=Budget(request.trials, request.time_budget_s),
            seed=request.seed,
            events=watcher,
        )
        with storage_trouble(run):
            return loop.run()

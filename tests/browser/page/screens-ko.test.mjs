import { everyScreen } from './screens.mjs';

everyScreen('ko');

import { everyScreen } from './screens.mjs';

everyScreen('ar');
